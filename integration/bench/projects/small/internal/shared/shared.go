// Package shared is imported by all three programs.
package shared

import (
	"fmt"
	"os"

	"github.com/hashicorp/go-version"
)

var release = version.Must(version.NewVersion("1.0.0"))

// Say prints a line of a program.
func Say(program string, words ...any) {
	fmt.Fprintln(os.Stdout, append([]any{program, release.String()}, words...)...)
}
