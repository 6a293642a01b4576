// Command server uses two other modules of the workspace and a replaced one.
package main

import (
	"fmt"

	"example.com/greet"
	"example.com/workspace/store"
)

func main() {
	fmt.Println(greet.Hello("workspace"))
	fmt.Println(store.Key("server"))
}
