// Command seed lives in a module of its own.
package main

import (
	"fmt"

	"example.com/workspace/store"
)

func main() { fmt.Println("seed", store.Key("seed")) }
