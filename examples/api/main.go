// Command api is a small HTTP service on well-known modules: router, database driver,
// logging, metrics.
//
// With -check it serves itself one request on a loopback port, prints what came back, and ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

func main() {
	check := flag.Bool("check", false, "serve one request to itself and end")
	address := flag.String("listen", ":8080", "address to listen on")
	flag.Parse()

	logger := zap.Must(zap.NewProduction())
	defer logger.Sync()

	handler, err := newHandler(logger, os.Getenv("DATABASE_URL"))
	if err != nil {
		logger.Fatal("configuration", zap.Error(err))
	}
	if *check {
		if err := selfCheck(handler); err != nil {
			logger.Fatal("self-check", zap.Error(err))
		}
		return
	}
	logger.Info("listening", zap.String("address", *address))
	if err := http.ListenAndServe(*address, handler); err != nil {
		logger.Fatal("serve", zap.Error(err))
	}
}

// newHandler returns the service's routes; no connection to the database is made yet.
func newHandler(logger *zap.Logger, databaseURL string) (http.Handler, error) {
	if databaseURL == "" {
		databaseURL = "postgres://app@localhost:5432/app"
	}
	database, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, err
	}

	requests := prometheus.NewCounter(prometheus.CounterOpts{Name: "api_requests_total", Help: "Requests served."})
	registry := prometheus.NewRegistry()
	registry.MustRegister(requests)

	router := chi.NewRouter()
	router.Use(middleware.Recoverer)
	router.Get("/hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		requests.Inc()
		logger.Debug("hello", zap.String("name", chi.URLParam(r, "name")))
		fmt.Fprintf(w, "hello, %s", chi.URLParam(r, "name"))
	})
	router.Get("/database", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s:%d/%s", database.Host, database.Port, database.Database)
	})
	router.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return router, nil
}

// selfCheck asks the handler three things over a real loopback connection.
func selfCheck(handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	defer server.Shutdown(context.Background())

	client := &http.Client{Timeout: 5 * time.Second}
	for _, path := range []string{"/hello/gobuild", "/database", "/metrics"} {
		response, err := client.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
		lines := strings.Split(strings.TrimSpace(string(body)), "\n")
		fmt.Println(path, response.StatusCode, lines[len(lines)-1])
	}
	return nil
}
