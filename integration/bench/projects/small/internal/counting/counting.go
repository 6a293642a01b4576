// Package counting belongs to one program.
package counting

import "strings"

// Words counts words.
func Words(text string) int {
	return len(strings.Fields(text))
}
