import CoreMetrics
import Synchronization

/// The recorded values of an instrument.
protocol Recording: AnyObject, Sendable {
    func samples(_ labels: [Metric.Label]) -> [Metric.Sample]
}

final class Count: Recording, CounterHandler {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { value.store(0, ordering: .relaxed) }

    func samples(_ labels: [Metric.Label]) -> [Metric.Sample] {
        [Metric.Sample(labels: labels, value: Double(value.load(ordering: .relaxed)))]
    }
}

final class Level: Recording, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func samples(_ labels: [Metric.Label]) -> [Metric.Sample] {
        [Metric.Sample(labels: labels, value: value.withLock { $0 })]
    }
}

final class Sum: Recording, RecorderHandler {
    private let recorded = Mutex((sum: 0.0, count: 0.0))

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        recorded.withLock {
            $0.sum += value
            $0.count += 1
        }
    }

    func samples(_ labels: [Metric.Label]) -> [Metric.Sample] {
        let (sum, count) = recorded.withLock { $0 }
        return [
            Metric.Sample(suffix: "_sum", labels: labels, value: sum),
            Metric.Sample(suffix: "_count", labels: labels, value: count),
        ]
    }
}

final class Times: Recording, TimerHandler {
    private let histogram = Mutex(Histogram())

    func recordNanoseconds(_ duration: Int64) {
        histogram.withLock { $0.observe(.nanoseconds(duration)) }
    }

    func samples(_ labels: [Metric.Label]) -> [Metric.Sample] {
        Metric.samples(of: histogram.withLock { $0 }, labels)
    }
}
