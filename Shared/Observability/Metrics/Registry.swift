public import CoreMetrics
import Synchronization

/// Collects the instruments of swift-metrics and returns them as Prometheus metrics.
///
/// The name of a counter ends in `_total` and that of a timer in `_seconds`, whether its label does
/// or not. A timer becomes a histogram, an aggregating recorder a summary, and everything else a
/// gauge. Characters that a name can't have become underscores. A name has one type: an instrument
/// of another type under the same name is discarded.
public final class Registry: MetricsFactory {
    private struct Instrument: Sendable {
        let labels: [Metric.Label]
        let recording: any Recording
    }

    private struct Family: Sendable {
        let kind: Metric.Kind
        var instruments: [Instrument] = []
    }

    private let help: [String: String]
    private let families = Mutex<[String: Family]>([:])

    /// Creates a registry.
    ///
    /// - Parameter help: the help texts of metrics by name. Others use their name.
    public init(help: [String: String] = [:]) { self.help = help }

    /// Returns all current metrics, sorted by name.
    public func metrics() -> [Metric] {
        let families = families.withLock { $0 }
        return families.sorted { $0.key < $1.key }.map { name, family in
            Metric(
                name: name, help: help[name] ?? name, kind: family.kind,
                samples: family.instruments.flatMap { $0.recording.samples($0.labels) })
        }
    }

    // MARK: The factory of swift-metrics

    /// Returns the counter of this label and these dimensions.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        keep(label, "_total", dimensions, .counter) { Count() } ?? NOOPMetricsHandler.instance
    }

    /// Returns the gauge of this label and these dimensions.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        keep(label, "", dimensions, .gauge) { Level() } ?? NOOPMetricsHandler.instance
    }

    /// Returns the summary of this label and these dimensions, or the gauge if it does not
    /// aggregate.
    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate {
            keep(label, "", dimensions, .summary) { Sum() } ?? NOOPMetricsHandler.instance
        } else {
            keep(label, "", dimensions, .gauge) { Level() } ?? NOOPMetricsHandler.instance
        }
    }

    /// Returns the histogram of this label and these dimensions.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        keep(label, "_seconds", dimensions, .histogram) { Times() } ?? NOOPMetricsHandler.instance
    }

    /// Removes a counter.
    public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    /// Removes a gauge.
    public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    /// Removes a summary or a gauge.
    public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    /// Removes a histogram.
    public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    /// Returns the instrument of this name and these labels, which it creates if necessary.
    ///
    /// Returns nil if the name has another type.
    private func keep<Made: Recording>(
        _ label: String, _ suffix: String, _ dimensions: [(String, String)], _ kind: Metric.Kind,
        _ make: () -> Made
    ) -> Made? {
        let name = Self.name(label, suffix)
        let labels = dimensions.map { Metric.Label(Self.name($0.0), $0.1) }
        return families.withLock { families in
            var family = families[name] ?? Family(kind: kind)
            guard family.kind == kind else { return nil }
            if let known = family.instruments.first(where: { $0.labels == labels }) {
                return known.recording as? Made
            }
            let made = make()
            family.instruments.append(Instrument(labels: labels, recording: made))
            families[name] = family
            return made
        }
    }

    private func forget(_ handler: AnyObject) {
        families.withLock { families in
            for name in families.keys {
                families[name]?.instruments.removeAll { $0.recording === handler }
                if families[name]?.instruments.isEmpty == true { families[name] = nil }
            }
        }
    }

    private static func name(_ label: String, _ suffix: String = "") -> String {
        var name = ""
        for character in label.unicodeScalars {
            let isAllowed =
                character.isASCII && (character == "_" || character.properties.isAlphabetic)
            let isDigit = ("0"..."9").contains(character)
            if isDigit, name.isEmpty { name += "_" }
            name.unicodeScalars.append(isAllowed || isDigit ? character : "_")
        }
        return name.hasSuffix(suffix) ? name : name + suffix
    }
}
