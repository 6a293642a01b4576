package main

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

func graphCases() []goldenCase {
	a := llb.Scratch().File(llb.Mkfile("/a", 0o644, []byte("a")))
	b := llb.Scratch().File(llb.Mkfile("/b", 0o644, []byte("b")))
	chain := llb.Scratch()
	for i := range 50 {
		chain = chain.File(llb.Mkfile(fmt.Sprintf("/%d", i), 0o644, []byte{byte(i)}))
	}
	return []goldenCase{
		{"scratch", llb.Scratch()},
		{"merge", llb.Merge([]llb.State{image(), a, llb.Scratch(), b, a}, llb.WithCustomName("merge layers"))},
		{"merge_of_one", llb.Merge([]llb.State{llb.Scratch(), a})},
		{"merge_of_none", llb.Merge(nil)},
		{"diff", llb.Diff(image(), a)},
		{"diff_same", llb.Diff(a, a)},
		{"diff_to_scratch", llb.Diff(image(), llb.Scratch())},
		{"diff_from_scratch", llb.Diff(llb.Scratch(), b)},
		{"chain", chain},
		{"diamond", diamond()},
		{"metadata", metadata()},
	}
}

// diamond has a vertex that is reached twice, and two vertices with equal bytes.
func diamond() llb.State {
	built := tools().Run(llb.Args([]string{"go", "build"}), llb.AddMount("/out", llb.Scratch()))
	left := image().File(llb.Copy(built.GetMount("/out"), "/app", "/app"))
	right := image().File(llb.Copy(built.Root(), "/etc/group", "/group"))
	return llb.Merge([]llb.State{left, llb.Diff(image(), right)})
}

func metadata() llb.State {
	manifest := llb.NewSourceMap(nil, "goimage.toml", "TOML", []byte("version = 1\n\n[go]\ncgo = false\n"))
	other := llb.NewSourceMap(nil, "go.mod", "Go Module", []byte("module example.com/a\n"))
	lines := func(first, last int32) []*pb.Range {
		return []*pb.Range{{Start: &pb.Position{Line: first}, End: &pb.Position{Line: last}}}
	}
	base := llb.Image("docker.io/library/alpine:3.22",
		llb.WithCustomName("[internal] base"),
		llb.ProgressGroup("group", "a group", true),
		manifest.Location(lines(1, 1)),
	)
	run := base.Run(
		llb.Args([]string{"true"}),
		llb.WithCustomName("run"),
		llb.WithDescription(map[string]string{"gobuild.step": "run", "empty": ""}),
		llb.IgnoreCache,
		llb.WithoutExportCache(),
		other.Location(lines(1, 1)),
		manifest.Location([]*pb.Range{
			{Start: &pb.Position{Line: 3, Character: 1}, End: &pb.Position{Line: 4, Character: 11}},
			{Start: &pb.Position{Line: 1}, End: &pb.Position{Line: 1, Character: 7}},
		}),
	).Root()
	return run.File(llb.Mkfile("/done", 0o644, nil),
		llb.WithExportCache(), llb.ProgressGroup("strong", "strong", false))
}
