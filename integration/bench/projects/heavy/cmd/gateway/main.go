// Command gateway is a web server whose routes live in an etcd of its own.
package main

import (
	"example.com/heavy/internal/edge"
	"example.com/heavy/internal/service"
)

func main() {
	service.Main("gateway", edge.Run)
}
