// Command gateway is one of three that share their heavy dependencies.
package main

import (
	"fmt"
	"os"

	"example.com/multi/internal/rpc"
	"example.com/multi/internal/version"
)

func main() {
	status, err := rpc.Check("gateway")
	if err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
	fmt.Println("gateway", version.Version, status)
}
