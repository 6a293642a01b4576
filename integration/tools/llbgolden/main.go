// Command llbgolden writes graphs marshalled by BuildKit's own Go client, one
// definition per file, as the oracle for the graph builder's tests.
//
// Usage: go run ./llbgolden DIR
//
// Each case has a twin of the same name in the tests that read DIR. Files are
// deterministic protobuf, so a second run changes nothing; `buildctl debug
// dump-llb` shows what is in them.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/protobuf/proto"
)

// amd64 and arm are the platforms of all cases; none comes from the host.
var (
	amd64 = ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	arm   = ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
)

type goldenCase struct {
	name  string
	state llb.State
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "llbgolden:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the directory to write to")
	}
	stale, err := filepath.Glob(filepath.Join(args[0], "*.pb"))
	if err != nil {
		return err
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for _, cases := range [][]goldenCase{sourceCases(), execCases(), fileCases(), graphCases()} {
		for _, c := range cases {
			if err := write(args[0], c); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return nil
}

func write(dir string, c goldenCase) error {
	// LocalUniqueID is random unless given.
	def, err := c.state.Marshal(context.Background(), llb.Platform(amd64), llb.LocalUniqueID("golden"))
	if err != nil {
		return err
	}
	dt, err := proto.MarshalOptions{Deterministic: true}.Marshal(def.ToPB())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, c.name+".pb"), dt, 0o644)
}
