module example.com/workspace/tool

go 1.26.0
