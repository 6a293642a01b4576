// Command platforms picks its files by build constraints.
package main

import "fmt"

func main() {
	fmt.Println("file name:", byFileName)
	fmt.Println("constraint:", byConstraint)
	fmt.Println("assembly or Go:", implementation, add(40, 2))
	fmt.Println("tag:", byTag)
}
