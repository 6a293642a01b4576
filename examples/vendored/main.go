// Command vendored compiles from its vendor folder: nothing is downloaded.
package main

import (
	"fmt"

	"github.com/google/uuid"
)

func main() {
	fmt.Println(uuid.NewSHA1(uuid.NameSpaceDNS, []byte("vendored")))
}
