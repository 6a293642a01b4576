package service

import "testing"

func TestRelease(t *testing.T) {
	if release.Prerelease() != "" {
		t.Fatal(release)
	}
}
