package main

import (
	"github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"
)

const (
	checksum = digest.Digest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	commit   = "0123456789abcdef0123456789abcdef01234567"
)

func sourceCases() []goldenCase {
	return []goldenCase{
		{"image", llb.Image("docker.io/library/alpine:3.22")},
		{"image_options", llb.Image(
			"registry.example.com:5000/team/app@"+checksum.String(),
			llb.Platform(arm),
			llb.ResolveModeForcePull,
			llb.WithLayerLimit(3),
			llb.WithImageChecksum(checksum),
		)},
		{"image_prefer_local", llb.Image("docker.io/library/alpine:3.22", llb.ResolveModePreferLocal)},
		{"oci_layout", llb.OCILayout("gobuild/closure@" + checksum.String())},
		{"oci_layout_options", llb.OCILayout(
			"gobuild/toolchain@"+checksum.String(),
			llb.OCIStore("session1", "store1"),
			llb.OCILayerLimit(2),
			llb.Platform(arm),
		)},
		{"local", llb.Local("context")},
		{"local_options", llb.Local(
			"context",
			llb.SessionID("session1"),
			llb.IncludePatterns([]string{"cmd/**", "go.*", "say \"hi\""}),
			llb.ExcludePatterns([]string{"**/*_test.go", "ü"}),
			llb.FollowPaths([]string{"go.mod"}),
			llb.SharedKeyHint("hint"),
			llb.Differ(llb.DiffNone, true),
		)},
		{"http", llb.HTTP("https://example.com/file.tar.gz")},
		{"http_options", llb.HTTP(
			"http://example.com/file?a=b",
			llb.Checksum(checksum),
			llb.Filename("other"),
			llb.Chmod(0o755),
			llb.Chown(1000, 1001),
			llb.AuthHeaderSecret("token"),
		)},
		{"git", llb.Git("https://github.com/moby/buildkit.git", "")},
		{"git_options", llb.Git(
			"https://user@github.com/moby/buildkit.git", "",
			llb.GitRef("v0.32.2"),
			llb.GitSubDir("cmd/buildctl"),
			llb.KeepGitDir(),
			llb.GitSkipSubmodules(),
			llb.GitChecksum(commit),
			llb.AuthTokenSecret("token"),
			llb.AuthHeaderSecret("header"),
		)},
		{"git_ssh", llb.Git(
			"git@github.com:moby/buildkit.git", "master",
			llb.KnownSSHHosts("github.com ssh-ed25519 AAAA"),
			llb.MountSSHSock("agent"),
		)},
		{"git_ssh_url", llb.Git(
			"ssh://git@git.example.com:2222/a/b", "",
			llb.KnownSSHHosts("git.example.com ssh-ed25519 AAAA"),
		)},
	}
}
