package main

import (
	"net"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

func image() llb.State { return llb.Image("docker.io/library/alpine:3.22") }

func tools() llb.State { return llb.Image("docker.io/library/golang:1.26") }

func execCases() []goldenCase {
	cases := []goldenCase{
		{"exec", image().Run(llb.Args([]string{"true"})).Root()},
		{"exec_scratch_root", llb.Scratch().Run(llb.Args([]string{"/hello"})).Root()},
		{"exec_meta", image().Run(
			llb.Args([]string{"go", "build", "./..."}),
			llb.AddEnv("B", "1"),
			llb.AddEnv("A", "2"),
			llb.AddEnv("B", "3"),
			llb.AddEnv("EMPTY", ""),
			llb.Dir("/src"),
			llb.User("1000:1000"),
			llb.With(llb.Hostname("builder")),
			llb.Network(pb.NetMode_NONE),
			llb.Security(pb.SecurityMode_INSECURE),
			llb.WithProxy(llb.ProxyEnv{
				HTTPProxy: "http://a", HTTPSProxy: "http://b", FTPProxy: "http://c",
				NoProxy: "d", AllProxy: "http://e",
			}),
			llb.AddExtraHost("one", net.ParseIP("10.0.0.1")),
			llb.AddExtraHost("two", net.ParseIP("fe80::1")),
			llb.AddUlimit("nofile", 1024, 4096),
			llb.ValidExitCodes(0, 3, -1),
			llb.Require("a==b", "c"),
			llb.Platform(arm),
		).Root()},
		{"exec_host_network", image().Run(
			llb.Args([]string{"true"}), llb.Network(pb.NetMode_HOST),
		).Root()},
		{"exec_secrets", image().Run(
			llb.Args([]string{"true"}),
			llb.AddSecret("/root/.netrc", llb.SecretID("netrc")),
			llb.AddSecret("/run/token", llb.SecretID("token"), llb.SecretFileOpt(1, 2, 0o440), llb.SecretOptional),
			llb.AddSecret("TOKEN", llb.SecretID("token"), llb.SecretAsEnv(true)),
			llb.AddSecret("MAYBE", llb.SecretID("maybe"), llb.SecretAsEnv(true), llb.SecretOptional),
		).Root()},
		{"exec_ssh", image().Run(
			llb.Args([]string{"true"}),
			llb.AddEnv("A", "1"),
			llb.AddSSHSocket(llb.SSHID("default")),
			llb.AddSSHSocket(llb.SSHID("other"), llb.SSHSocketOpt("/ssh", 1, 2, 0o660), llb.SSHOptional),
			llb.AddSSHSocket(llb.SSHID("third")),
		).Root()},
		{"exec_ssh_env", image().Run(
			llb.Args([]string{"true"}),
			llb.AddEnv("SSH_AUTH_SOCK", "/mine"),
			llb.AddEnv("A", "1"),
			llb.AddSSHSocket(llb.SSHID("default"), llb.SSHSocketTarget("/mine")),
		).Root()},
	}
	return append(cases, mountCases()...)
}

func mountCases() []goldenCase {
	mounts := func() llb.ExecState {
		return image().Run(
			llb.Args([]string{"true"}),
			llb.AddMount("/z", tools()),
			llb.AddMount("/out", llb.Scratch()),
			llb.AddMount("/a/tools", tools(), llb.Readonly, llb.SourcePath("/usr/local/go")),
			llb.AddMount("/a", image(), llb.ForceNoOutput),
			llb.AddMount("/a-b", image(), llb.Readonly, llb.ContentCache(llb.MountContentCacheOn)),
			llb.AddMount("/off", image(), llb.ContentCache(llb.MountContentCacheOff)),
			llb.AddMount("/cache", llb.Scratch(), llb.AsPersistentCacheDir("shared", llb.CacheMountShared)),
			llb.AddMount("/cache2", tools(), llb.AsPersistentCacheDir("private", llb.CacheMountPrivate), llb.SourcePath("/sub")),
			llb.AddMount("/cache3", llb.Scratch(), llb.AsPersistentCacheDir("locked", llb.CacheMountLocked), llb.Readonly),
			llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()),
			llb.AddMount("/tmp2", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(1<<20))),
		)
	}
	readonly := image().Run(
		llb.Args([]string{"true"}),
		llb.ReadonlyRootFS(),
		llb.AddMount("/out", llb.Scratch()),
	)
	return []goldenCase{
		{"exec_mounts_root", mounts().Root()},
		{"exec_mounts_off", mounts().GetMount("/off")},
		{"exec_mounts_out", mounts().GetMount("/out")},
		{"exec_mounts_z", mounts().GetMount("/z")},
		{"exec_readonly_root", readonly.GetMount("/out")},
	}
}
