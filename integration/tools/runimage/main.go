// Command runimage runs a container of an image with runc, and nothing of gobuild's own.
//
//	runimage [-platform linux/amd64] [-entrypoint PATH] SOURCE [ARG...]
//	runimage -config SOURCE        print the image's config
//	runimage -files SOURCE         print the regular files and links in it
//	runimage -cat PATH SOURCE      print one file
//
// SOURCE is an OCI archive (a .tar file), an OCI layout (a folder), or a reference in a registry
// (http is used for loopback addresses). Its exit code is the container's.
package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func main() {
	platform := flag.String("platform", "linux/amd64", "platform to take from an index")
	entrypoint := flag.String("entrypoint", "", "run this instead of the image's entrypoint")
	config := flag.Bool("config", false, "print the image's config and end")
	files := flag.Bool("files", false, "print the files of the image and end")
	cat := flag.String("cat", "", "print this file of the image and end")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	err := run(flag.Arg(0), *platform, func(image v1.Image) error {
		switch {
		case *config:
			raw, err := image.RawConfigFile()
			if err != nil {
				return err
			}
			_, err = os.Stdout.Write(append(raw, '\n'))
			return err
		case *files:
			return printFiles(image)
		case *cat != "":
			return printFile(image, *cat)
		default:
			return runContainer(image, *entrypoint, flag.Args()[1:])
		}
	})
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "runimage:", err)
		os.Exit(1)
	}
}

// run opens the image behind source and hands it to use.
func run(source, platform string, use func(v1.Image) error) error {
	wanted, err := v1.ParsePlatform(platform)
	if err != nil {
		return err
	}
	info, err := os.Stat(source)
	switch {
	case err != nil:
		image, err := pull(source, wanted)
		if err != nil {
			return err
		}
		return use(image)
	case !info.IsDir():
		folder, err := os.MkdirTemp("", "runimage")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		archive, err := os.Open(source)
		if err != nil {
			return err
		}
		defer archive.Close()
		if err := unpack(archive, folder); err != nil {
			return err
		}
		source = folder
	}
	index, err := layout.ImageIndexFromPath(source)
	if err != nil {
		return err
	}
	image, err := choose(index, wanted)
	if err != nil {
		return err
	}
	return use(image)
}

func pull(source string, platform *v1.Platform) (v1.Image, error) {
	reference, err := name.ParseReference(source)
	if err != nil {
		return nil, err
	}
	return remote.Image(reference, remote.WithPlatform(*platform))
}

// choose walks an index down to the image of one platform.
func choose(index v1.ImageIndex, platform *v1.Platform) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, descriptor := range manifest.Manifests {
		if descriptor.MediaType.IsIndex() {
			inner, err := index.ImageIndex(descriptor.Digest)
			if err != nil {
				return nil, err
			}
			return choose(inner, platform)
		}
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			return nil, err
		}
		config, err := image.ConfigFile()
		if err != nil {
			return nil, err
		}
		if config.OS == platform.OS && config.Architecture == platform.Architecture {
			return image, nil
		}
	}
	return nil, fmt.Errorf("no image for %s", platform)
}

func printFiles(image v1.Image) error {
	content := mutate.Extract(image)
	defer content.Close()
	var names []string
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeDir {
			names = append(names, fmt.Sprintf("%04o %d:%d %d %s", header.Mode&0o7777, header.Uid, header.Gid,
				header.ModTime.Unix(), strings.TrimPrefix(header.Name, "/")))
		}
	}
	sort.Slice(names, func(i, j int) bool {
		return names[i][strings.LastIndex(names[i], " "):] < names[j][strings.LastIndex(names[j], " "):]
	})
	fmt.Println(strings.Join(names, "\n"))
	return nil
}

func printFile(image v1.Image, path string) error {
	content := mutate.Extract(image)
	defer content.Close()
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return fmt.Errorf("no file %s in the image", path)
		}
		if err != nil {
			return err
		}
		if strings.Trim(header.Name, "/") == strings.Trim(path, "/") {
			_, err := io.Copy(os.Stdout, reader)
			return err
		}
	}
}

// unpack writes a tar stream below folder, which is a fresh one of our own.
func unpack(content io.Reader, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		path := strings.Trim(filepath.Clean("/"+header.Name), "/")
		if path == "" {
			continue
		}
		if err := unpackEntry(root, path, header, reader); err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

func unpackEntry(root *os.Root, path string, header *tar.Header, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(path, 0o755); err != nil {
			return err
		}
	case tar.TypeSymlink:
		return root.Symlink(header.Linkname, path)
	case tar.TypeLink:
		return root.Link(strings.Trim(header.Linkname, "/"), path)
	case tar.TypeReg:
		file, err := root.Create(path)
		if err != nil {
			return err
		}
		if _, err := io.Copy(file, content); err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	default:
		return nil
	}
	if err := root.Chown(path, header.Uid, header.Gid); err != nil && os.Getuid() == 0 {
		return err
	}
	mode := os.FileMode(header.Mode & 0o777)
	if header.Mode&0o1000 != 0 {
		mode |= os.ModeSticky
	}
	return root.Chmod(path, mode)
}

// runContainer unpacks the image and runs it on the host's network, as the image's user.
func runContainer(image v1.Image, entrypoint string, arguments []string) error {
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	bundle, err := os.MkdirTemp("", "runimage")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bundle)
	if err := os.Chmod(bundle, 0o755); err != nil {
		return err
	}
	rootfs := filepath.Join(bundle, "rootfs")
	if err := os.Mkdir(rootfs, 0o755); err != nil {
		return err
	}
	content := mutate.Extract(image)
	defer content.Close()
	if err := unpack(content, rootfs); err != nil {
		return err
	}
	if err := writeSpec(bundle, config, command(config, entrypoint, arguments)); err != nil {
		return err
	}
	container := exec.Command("runc", "run", "--bundle", bundle, filepath.Base(bundle))
	container.Stdin, container.Stdout, container.Stderr = os.Stdin, os.Stdout, os.Stderr
	return container.Run()
}

func command(config *v1.ConfigFile, entrypoint string, arguments []string) []string {
	args := config.Config.Entrypoint
	if entrypoint != "" {
		args = []string{entrypoint}
	}
	if len(arguments) > 0 {
		return append(args, arguments...)
	}
	if entrypoint != "" {
		return args
	}
	return append(args, config.Config.Cmd...)
}

// writeSpec starts from runc's own default and sets what the image says.
func writeSpec(bundle string, config *v1.ConfigFile, args []string) error {
	generate := exec.Command("runc", "spec", "--bundle", bundle)
	generate.Stderr = os.Stderr
	if err := generate.Run(); err != nil {
		return err
	}
	path := filepath.Join(bundle, "config.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(raw, &spec); err != nil {
		return err
	}
	user, err := user(config.Config.User)
	if err != nil {
		return err
	}
	process := spec["process"].(map[string]any)
	process["terminal"] = false
	process["args"] = args
	process["env"] = config.Config.Env
	process["user"] = user
	process["cwd"] = "/"
	if config.Config.WorkingDir != "" {
		process["cwd"] = config.Config.WorkingDir
	}
	linux := spec["linux"].(map[string]any)
	var namespaces []any
	for _, namespace := range linux["namespaces"].([]any) {
		if namespace.(map[string]any)["type"] != "network" {
			namespaces = append(namespaces, namespace)
		}
	}
	linux["namespaces"] = namespaces
	raw, err = json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o644)
}

// user reads a numeric `uid[:gid]`; names would need the image's passwd file.
func user(text string) (map[string]any, error) {
	uid, gid, _ := strings.Cut(text, ":")
	parse := func(part string) (int, error) {
		if part == "" {
			return 0, nil
		}
		return strconv.Atoi(part)
	}
	u, err := parse(uid)
	if err != nil {
		return nil, fmt.Errorf("user %q is not numeric", text)
	}
	g, err := parse(gid)
	if err != nil {
		return nil, fmt.Errorf("group of %q is not numeric", text)
	}
	return map[string]any{"uid": u, "gid": g}, nil
}
