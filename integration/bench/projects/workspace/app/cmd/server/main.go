// Command server is an etcd.
package main

import (
	"log"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"

	"example.com/workspace/app/internal/wire"
)

func main() {
	config := embed.NewConfig()
	config.Dir = filepath.Join(os.TempDir(), "workspace.etcd")
	store, err := embed.StartEtcd(config)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	<-store.Server.ReadyNotify()
	log.Println("serving", wire.Prefix, "on", wire.Address)
	log.Fatal(<-store.Err())
}
