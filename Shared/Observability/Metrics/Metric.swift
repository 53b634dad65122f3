/// A metric of the process under its Prometheus name, with a sample for each combination of labels.
public struct Metric: Hashable, Sendable {
    /// The type of a metric.
    enum Kind: String, Sendable {
        /// A number that only grows, from the start of the process unless the help says otherwise.
        case counter
        case gauge
        case histogram
    }

    /// A line of a metric: the suffix of its name, its labels and its value.
    struct Sample: Hashable, Sendable {
        var suffix = ""
        var labels: [Label] = []
        var value: Double
    }

    /// A label, which distinguishes the samples of a metric.
    public struct Label: Hashable, Sendable {
        /// The name of the label.
        public var name: String
        /// The value of the label.
        public var value: String

        /// Creates a label.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The name of the metric.
    public let name: String
    let help: String
    let kind: Kind
    let samples: [Sample]

    /// Creates a counter.
    public static func counter(_ name: String, _ help: String, _ value: UInt64) -> Metric {
        counter(name, help, each: [([], value)])
    }

    /// Creates a counter with a value for each combination of labels.
    public static func counter(
        _ name: String, _ help: String, each figures: [([Label], UInt64)]
    ) -> Metric {
        Metric(
            name: name, help: help, kind: .counter,
            samples: figures.map { Sample(labels: $0, value: Double($1)) })
    }

    /// Creates a counter of seconds.
    public static func counter(_ name: String, _ help: String, seconds: Double) -> Metric {
        Metric(name: name, help: help, kind: .counter, samples: [Sample(value: seconds)])
    }

    /// Creates a gauge.
    public static func gauge(_ name: String, _ help: String, _ value: Double) -> Metric {
        gauge(name, help, each: [([], value)])
    }

    /// Creates a gauge with a value for each combination of labels.
    public static func gauge(
        _ name: String, _ help: String, each figures: [([Label], Double)]
    ) -> Metric {
        Metric(
            name: name, help: help, kind: .gauge,
            samples: figures.map { Sample(labels: $0, value: $1) })
    }

    /// Creates a histogram for each combination of labels.
    public static func histogram(
        _ name: String, _ help: String, each histograms: [([Label], Histogram)]
    ) -> Metric {
        Metric(
            name: name, help: help, kind: .histogram,
            samples: histograms.flatMap { labels, histogram in samples(of: histogram, labels) })
    }

    private static func samples(of histogram: Histogram, _ labels: [Label]) -> [Sample] {
        var total: UInt64 = 0
        var samples = zip(Histogram.bounds + [.infinity], histogram.counts).map { bound, count in
            total += count
            return Sample(
                suffix: "_bucket", labels: labels + [Label("le", Exposition.text(bound))],
                value: Double(total))
        }
        samples.append(Sample(suffix: "_sum", labels: labels, value: histogram.sum))
        samples.append(Sample(suffix: "_count", labels: labels, value: Double(total)))
        return samples
    }
}
