public import CoreMetrics
import Synchronization

/// What the instruments of swift-metrics tell, as Prometheus has it.
///
/// A counter's name ends in `_total` and a timer's in `_seconds`, be that in its label or not; a
/// timer is a histogram, a recorder that aggregates a summary, and all else is a gauge. What can't
/// stand in a name is an underscore. One name is of one kind: an instrument of another kind under
/// it is not kept.
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

    /// - Parameter help: of metrics, by name; others have their label for it.
    public init(help: [String: String] = [:]) { self.help = help }

    /// All that there is now, by name.
    public func metrics() -> [Metric] {
        let families = families.withLock { $0 }
        return families.sorted { $0.key < $1.key }.map { name, family in
            Metric(
                name: name, help: help[name] ?? name, kind: family.kind,
                samples: family.instruments.flatMap { $0.recording.samples($0.labels) })
        }
    }

    // MARK: What swift-metrics asks for

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        keep(label, "_total", dimensions, .counter) { Count() } ?? NOOPMetricsHandler.instance
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        keep(label, "", dimensions, .gauge) { Level() } ?? NOOPMetricsHandler.instance
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate {
            keep(label, "", dimensions, .summary) { Sum() } ?? NOOPMetricsHandler.instance
        } else {
            keep(label, "", dimensions, .gauge) { Level() } ?? NOOPMetricsHandler.instance
        }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        keep(label, "_seconds", dimensions, .histogram) { Times() } ?? NOOPMetricsHandler.instance
    }

    public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    /// The instrument of this name and these labels, made if it is not there; nil if the name is of
    /// another kind.
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
