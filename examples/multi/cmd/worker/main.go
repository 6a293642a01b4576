// Command worker is one of three that share their heavy dependencies.
package main

import (
	"fmt"
	"os"

	"example.com/multi/internal/rpc"
	"example.com/multi/internal/version"
)

func main() {
	status, err := rpc.Check("worker")
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	fmt.Println("worker", version.Version, status)
}
