// Command moduleproxy serves one private module over HTTPS to whoever knows the password.
//
//	moduleproxy -folder DIR -user NAME -password SECRET
//
// It makes a certificate of its own and writes to DIR: `ca.pem`, which clients must trust, and
// `go.sum`, the module's lines of such a file. Then it prints its URL and serves until it is
// killed. What it speaks: https://go.dev/ref/mod#goproxy-protocol.
package main

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/dirhash"
)

const (
	module  = "private.example.com/secret"
	version = "v1.2.3"
	modFile = "module private.example.com/secret\n\ngo 1.26.0\n"
	source  = "// Package secret is not for everyone.\npackage secret\n\n// Word is what only colleagues know.\nconst Word = \"from the private module\"\n"
)

func main() {
	folder := flag.String("folder", ".", "where ca.pem and go.sum are written")
	user := flag.String("user", "", "name of the one account")
	password := flag.String("password", "", "its password")
	flag.Parse()
	if err := serve(*folder, *user, *password); err != nil {
		log.Fatal("moduleproxy: ", err)
	}
}

func serve(folder, user, password string) error {
	archive, err := pack()
	if err != nil {
		return err
	}
	if err := writeSums(filepath.Join(folder, "go.sum"), archive); err != nil {
		return err
	}
	certificate, err := certify(filepath.Join(folder, "ca.pem"))
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": []byte(`{"Version":"` + version + `","Time":"2026-01-01T00:00:00Z"}`),
		version + ".mod":  []byte(modFile),
		version + ".zip":  archive,
	}
	handler := http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if name, given, _ := request.BasicAuth(); name != user || given != password {
			http.Error(response, "colleagues only", http.StatusUnauthorized)
			return
		}
		const prefix = "/" + module + "/@v/"
		content, known := files[request.URL.Path[min(len(prefix), len(request.URL.Path)):]]
		if !known {
			http.NotFound(response, request)
			return
		}
		// A client that goes away is no concern of the server's.
		_, _ = response.Write(content)
	})
	fmt.Printf("https://%s\n", listener.Addr())
	return http.Serve(listener, handler)
}

// pack returns the module's zip file.
func pack() ([]byte, error) {
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	for _, file := range []struct{ name, content string }{{"go.mod", modFile}, {"secret.go", source}} {
		writer, err := archive.Create(module + "@" + version + "/" + file.name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(writer, file.content); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return buffer.Bytes(), err
}

func writeSums(path string, archive []byte) error {
	zipPath := path + ".zip"
	if err := os.WriteFile(zipPath, archive, 0o600); err != nil {
		return err
	}
	defer os.Remove(zipPath)
	sum, err := dirhash.HashZip(zipPath, dirhash.Hash1)
	if err != nil {
		return err
	}
	modSum, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader([]byte(modFile))), nil
	})
	if err != nil {
		return err
	}
	lines := fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", module, version, sum, module, version, modSum)
	return os.WriteFile(path, []byte(lines), 0o644)
}

// certify returns a certificate for loopback that vouches for itself, and writes it to path.
func certify(path string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "moduleproxy"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(path, encoded, 0o644); err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
