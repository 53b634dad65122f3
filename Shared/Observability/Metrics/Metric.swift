/// A figure of the process, or one for each of several labels, under Prometheus' name for it.
public struct Metric: Hashable, Sendable {
    /// What is told of it besides its figures.
    enum Kind: String, Sendable {
        /// Only grows, from the beginning of the process unless it says otherwise.
        case counter
        case gauge
        case histogram
        /// How many values there were, and their sum.
        case summary
    }

    /// A line: what comes behind the metric's name, and the figure.
    struct Sample: Hashable, Sendable {
        var suffix = ""
        var labels: [Label] = []
        var value: Double
    }

    /// What tells one figure of a metric from another.
    public struct Label: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public let name: String
    let help: String
    let kind: Kind
    let samples: [Sample]

    public static func counter(_ name: String, _ help: String, _ value: UInt64) -> Metric {
        counter(name, help, each: [([], value)])
    }

    /// One figure for each of the labels.
    public static func counter(
        _ name: String, _ help: String, each figures: [([Label], UInt64)]
    ) -> Metric {
        Metric(
            name: name, help: help, kind: .counter,
            samples: figures.map { Sample(labels: $0, value: Double($1)) })
    }

    /// Seconds that only grow.
    public static func counter(_ name: String, _ help: String, seconds: Double) -> Metric {
        Metric(name: name, help: help, kind: .counter, samples: [Sample(value: seconds)])
    }

    public static func gauge(_ name: String, _ help: String, _ value: Double) -> Metric {
        gauge(name, help, each: [([], value)])
    }

    /// One figure for each of the labels.
    public static func gauge(
        _ name: String, _ help: String, each figures: [([Label], Double)]
    ) -> Metric {
        Metric(
            name: name, help: help, kind: .gauge,
            samples: figures.map { Sample(labels: $0, value: $1) })
    }

    public static func histogram(
        _ name: String, _ help: String, _ histogram: Histogram
    ) -> Metric {
        self.histogram(name, help, each: [([], histogram)])
    }

    /// One histogram for each of the labels.
    public static func histogram(
        _ name: String, _ help: String, each histograms: [([Label], Histogram)]
    ) -> Metric {
        Metric(
            name: name, help: help, kind: .histogram,
            samples: histograms.flatMap { labels, histogram in samples(of: histogram, labels) })
    }

    static func samples(of histogram: Histogram, _ labels: [Label]) -> [Sample] {
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
