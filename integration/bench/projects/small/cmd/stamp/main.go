// Command stamp prints an identifier.
package main

import (
	"github.com/google/uuid"

	"example.com/small/internal/shared"
)

func main() {
	shared.Say("stamp", uuid.NewString())
}
