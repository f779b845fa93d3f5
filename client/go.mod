module configapi/client

go 1.26.0
