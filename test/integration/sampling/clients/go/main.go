// Real samplers of the Go SDK, told what to do by lines of JSON on standard input: see ../protocol.ts.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"go.opentelemetry.io/contrib/samplers/jaegerremote"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type request struct {
	Op        string
	Sampler   string
	Endpoint  string
	Service   string
	PollMs    int
	Initial   string
	Operation string
	Decisions int
}

type reply struct {
	Sampled     *int   `json:"sampled,omitempty"`
	Description string `json:"description,omitempty"`
	Error       string `json:"error,omitempty"`
}

type client struct {
	sampler *jaegerremote.Sampler
	tracer  trace.Tracer
}

func main() {
	clients := map[string]client{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	replies := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		answered, err := answer(lines.Bytes(), clients)
		if err != nil {
			answered.Error = err.Error()
		}
		if err := replies.Encode(answered); err != nil {
			log.Fatal(err)
		}
	}
}

func answer(line []byte, clients map[string]client) (reply, error) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return reply{}, err
	}
	if asked.Op == "configure" {
		clients[asked.Sampler] = configure(asked)
		return reply{}, nil
	}
	known, ok := clients[asked.Sampler]
	if !ok {
		return reply{}, fmt.Errorf("no sampler %q", asked.Sampler)
	}
	switch asked.Op {
	case "sample":
		sampled := sample(known.tracer, asked.Operation, asked.Decisions)
		return reply{Sampled: &sampled}, nil
	case "describe":
		return reply{Description: known.sampler.Description()}, nil
	}
	return reply{}, fmt.Errorf("unknown op %q", asked.Op)
}

func configure(asked request) client {
	initial := sdktrace.NeverSample()
	if asked.Initial == "on" {
		initial = sdktrace.AlwaysSample()
	}
	options := []jaegerremote.Option{
		jaegerremote.WithSamplingServerURL(asked.Endpoint),
		jaegerremote.WithInitialSampler(initial),
	}
	if asked.PollMs > 0 {
		interval := time.Duration(asked.PollMs) * time.Millisecond
		options = append(options, jaegerremote.WithSamplingRefreshInterval(interval))
	}
	sampler := jaegerremote.New(asked.Service, options...)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler))
	return client{sampler, provider.Tracer("sampling-client")}
}

// sample starts so many new traces, with ids of the SDK's own generator, and counts those that are sampled.
func sample(tracer trace.Tracer, operation string, decisions int) int {
	sampled := 0
	for range decisions {
		_, span := tracer.Start(context.Background(), operation, trace.WithNewRoot())
		if span.SpanContext().IsSampled() {
			sampled++
		}
		span.End()
	}
	return sampled
}
