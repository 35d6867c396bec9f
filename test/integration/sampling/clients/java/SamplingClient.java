import com.google.gson.Gson;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.extension.trace.jaeger.sampler.JaegerRemoteSampler;
import io.opentelemetry.sdk.trace.IdGenerator;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingDecision;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Real samplers of the Java SDK, told what to do by lines of JSON on standard input: see ../protocol.ts. */
public final class SamplingClient {
  private static final class Request {
    String op;
    String sampler;
    String endpoint;
    String service;
    String caFile;
    int pollMs;
    String initial;
    String operation;
    int decisions;
  }

  private final Map<String, JaegerRemoteSampler> samplers = new HashMap<>();

  public static void main(String[] args) throws IOException {
    Gson gson = new Gson();
    SamplingClient client = new SamplingClient();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Map<String, Object> reply;
      try {
        reply = client.answer(gson.fromJson(line, Request.class));
      } catch (IOException | RuntimeException e) {
        reply = Map.of("error", e.toString());
      }
      out.println(gson.toJson(reply));
    }
    // The threads of the samplers would go on.
    System.exit(0);
  }

  private Map<String, Object> answer(Request asked) throws IOException {
    if (asked.op.equals("configure")) {
      samplers.put(asked.sampler, configure(asked));
      return Map.of();
    }
    JaegerRemoteSampler sampler = samplers.get(asked.sampler);
    if (sampler == null) throw new IllegalArgumentException("no sampler " + asked.sampler);
    switch (asked.op) {
      case "sample":
        return Map.of("sampled", sample(sampler, asked.operation, asked.decisions));
      case "describe":
        return Map.of("description", sampler.getDescription());
      default:
        throw new IllegalArgumentException("unknown op " + asked.op);
    }
  }

  private static JaegerRemoteSampler configure(Request asked) throws IOException {
    var builder =
        JaegerRemoteSampler.builder()
            .setEndpoint(asked.endpoint)
            .setServiceName(asked.service)
            .setInitialSampler(
                "on".equals(asked.initial) ? Sampler.alwaysOn() : Sampler.alwaysOff());
    if (asked.pollMs > 0) builder.setPollingInterval(Duration.ofMillis(asked.pollMs));
    if (asked.caFile != null) {
      builder.setTrustedCertificates(Files.readAllBytes(Path.of(asked.caFile)));
    }
    return builder.build();
  }

  /** How many of so many new traces, with ids of the SDK's own generator, are sampled. */
  private static int sample(Sampler sampler, String operation, int decisions) {
    IdGenerator ids = IdGenerator.random();
    int sampled = 0;
    for (int i = 0; i < decisions; i++) {
      SamplingDecision decision =
          sampler
              .shouldSample(
                  Context.root(),
                  ids.generateTraceId(),
                  operation,
                  SpanKind.SERVER,
                  Attributes.empty(),
                  List.of())
              .getDecision();
      if (decision == SamplingDecision.RECORD_AND_SAMPLE) sampled++;
    }
    return sampled;
  }
}
