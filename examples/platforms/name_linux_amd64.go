package main

const byFileName = "linux/amd64"
