// Command embed carries files, folders and templates inside the binary.
package main

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"os"
)

//go:embed VERSION
var version string

//go:embed static templates/*.html
var content embed.FS

//go:embed all:all
var everything embed.FS

func main() {
	fmt.Print("version ", version)
	for _, tree := range []fs.FS{content, everything} {
		err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				fmt.Println(path)
			}
			return err
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	page := template.Must(template.ParseFS(content, "templates/page.html"))
	if err := page.Execute(os.Stdout, "<gobuild>"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
