// Command operator keeps a config map for every deployment of a cluster.
package main

import (
	"example.com/heavy/internal/reconcile"
	"example.com/heavy/internal/service"
)

func main() {
	service.Main("operator", reconcile.Run)
}
