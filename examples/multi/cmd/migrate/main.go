// Command migrate is one of three that share their heavy dependencies.
package main

import (
	"fmt"
	"os"

	"example.com/multi/internal/rpc"
	"example.com/multi/internal/version"
)

func main() {
	status, err := rpc.Check("migrate")
	if err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		os.Exit(1)
	}
	fmt.Println("migrate", version.Version, status)
}
