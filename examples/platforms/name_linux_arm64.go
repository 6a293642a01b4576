package main

const byFileName = "linux/arm64"
