// Command count counts words.
package main

import (
	"os"

	"example.com/small/internal/counting"
	"example.com/small/internal/shared"
)

func main() {
	shared.Say("count", counting.Words(os.Getenv("TEXT")))
}
