// Command neighbour uses much of the standard library and nothing else: it is built before another
// project of the same toolchain.
package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"encoding/xml"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/smtp"
	"net/url"
	"os"
	"text/tabwriter"
)

func main() {
	target, err := url.Parse(os.Getenv("TARGET"))
	if err != nil {
		slog.Error("no target", "error", err)
		os.Exit(1)
	}
	page := template.Must(template.New("page").Parse("<p>{{.}}</p>"))
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(target))
	mux.HandleFunc("/about", func(w http.ResponseWriter, r *http.Request) {
		packed := gzip.NewWriter(w)
		defer packed.Close()
		archive := tar.NewWriter(packed)
		defer archive.Close()
		table := tabwriter.NewWriter(archive, 0, 8, 1, ' ', 0)
		defer table.Flush()
		_ = page.Execute(table, sql.Drivers())
		_ = json.NewEncoder(table).Encode(r.Header)
		_ = xml.NewEncoder(table).Encode(r.Host)
	})
	mux.HandleFunc("/mail", func(w http.ResponseWriter, r *http.Request) {
		_ = smtp.SendMail(r.Host, nil, "", nil, nil)
	})
	server := http.Server{Addr: ":8443", Handler: mux, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13}}
	slog.Error("ended", "error", server.ListenAndServeTLS("cert.pem", "key.pem"))
}
