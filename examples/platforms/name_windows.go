package main

const byFileName = "windows"
