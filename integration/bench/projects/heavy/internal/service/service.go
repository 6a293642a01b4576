// Package service is what the three programs share: flags, logging, shutdown.
package service

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-version"
)

// release is printed by -version.
var release = version.Must(version.NewVersion("1.0.0"))

// Main runs a service until it ends or the process is told to stop.
func Main(name string, run func(context.Context, *slog.Logger) error) {
	show := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *show {
		fmt.Println(name, release)
		return
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("service", name)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, log); err != nil {
		log.Error("ended", "error", err)
		os.Exit(1)
	}
}
