// Command hello shows what a gobuild image holds: certificates, time zones, a user.
package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"runtime"
	"time"
)

func main() {
	fmt.Printf("hello from %s on %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)

	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		fmt.Fprintln(os.Stderr, "time zones:", err)
		os.Exit(1)
	}
	noon := time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)
	fmt.Println("noon UTC in Berlin:", noon.In(zone).Format("15:04 MST"))

	roots, err := x509.SystemCertPool()
	if err != nil {
		fmt.Fprintln(os.Stderr, "certificates:", err)
		os.Exit(1)
	}
	fmt.Println("root certificates:", !roots.Equal(x509.NewCertPool()))
	fmt.Println("user:", os.Getuid())
}
