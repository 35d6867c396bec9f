import { ProtoWriter } from '../../span/proto-writer.ts';
import type { Labels } from './labels.ts';

const LENGTH_DELIMITED = 2;

/** `repeated LabelPair label = 1`, as it stands in a Metric and in an Exemplar. */
export function labelPairs(labels: Labels): Buffer {
  const writer = new ProtoWriter(64 * (labels.length + 1));
  for (const [name, value] of labels) {
    writer.tag(1, LENGTH_DELIMITED);
    const pair = writer.begin();
    writer.tag(1, LENGTH_DELIMITED);
    writer.string(name);
    writer.tag(2, LENGTH_DELIMITED);
    writer.string(value);
    writer.end(pair);
  }
  return Buffer.from(writer.written());
}
