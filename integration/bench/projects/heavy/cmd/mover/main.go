// Command mover moves objects between the stores of three clouds.
package main

import (
	"example.com/heavy/internal/service"
	"example.com/heavy/internal/transfer"
)

func main() {
	service.Main("mover", transfer.Run)
}
