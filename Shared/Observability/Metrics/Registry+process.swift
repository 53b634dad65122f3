package import CoreMetrics

extension Registry {
    /// The process's own: what anything in it counts by swift-metrics is served with the rest.
    package static let ofProcess: Registry = {
        let registry = Registry(help: [
            "daybook_calls_total": "Commands and queries taken, by what they came to.",
            "daybook_call_seconds": "How long it took to answer commands and queries.",
            "daybook_handshakes_refused_total":
                "Handshakes over TCP that were refused: keys unknown, revoked, or too often there.",
        ])
        MetricsSystem.bootstrap(registry)
        // There from the beginning: an alarm can't be raised on what is missing.
        _ = refusedHandshakes(in: registry)
        return registry
    }()

    private static func refusedHandshakes(in registry: Registry) -> Counter {
        Counter(label: "daybook_handshakes_refused", factory: registry)
    }

    package static var refusedHandshakes: Counter { refusedHandshakes(in: ofProcess) }
}
