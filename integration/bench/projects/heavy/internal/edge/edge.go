// Package edge is the gateway: an embedded etcd and an embedded Caddy.
package edge

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

// key holds the configuration, as Caddy's JSON.
const key = "/gateway/config"

// Run serves what etcd says until it is told to stop.
func Run(ctx context.Context, log *slog.Logger) error {
	config := embed.NewConfig()
	config.Dir = filepath.Join(os.TempDir(), "gateway.etcd")
	store, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer store.Close()
	select {
	case <-store.Server.ReadyNotify():
	case <-time.After(time.Minute):
		return errors.New("etcd is not ready")
	}
	client := v3client.New(store.Server)
	defer client.Close()
	for response := range client.Watch(ctx, key, clientv3.WithCreatedNotify()) {
		if err := response.Err(); err != nil {
			return err
		}
		for _, event := range response.Events {
			if err := caddy.Load(event.Kv.Value, true); err != nil {
				log.Error("refused", "revision", event.Kv.ModRevision, "error", err)
			}
		}
	}
	return caddy.Stop()
}
