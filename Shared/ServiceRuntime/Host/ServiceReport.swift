import EventSourcing
import EventStoreClient
import Foundation
import Observability
import WireProtocol

/// The source of a service's status, health and metrics.
struct ServiceReport: Sendable {
    /// How long health checks and metrics wait for the event store, so that a scrape never times
    /// out because of it.
    private static let patience: Duration = .seconds(2)

    let service: String
    let log: EventID
    let client: EventStoreClient
    let snapshots: SnapshotStore
    let projection: @Sendable () async -> ProjectionStatus
    let participant: (any RunningParticipant)?
    let startedAt = Timestamp.now()

    /// Returns the status of the process.
    ///
    /// - Throws: `unavailable` if the event store does not answer within `timeout`.
    func status(timeout: Duration = .seconds(30)) async throws -> ServiceStatus {
        // Read before the head of the log. Otherwise the checkpoint could appear to be ahead of it.
        let (projection, participant) = (await projection(), await participant?.status)
        return ServiceStatus(
            service: service, processID: ProcessInfo.processInfo.processIdentifier,
            startedAt: startedAt, log: log, head: try await client.welcome(timeout: timeout).head,
            projection: projection, participant: participant)
    }

    /// Returns why the service is not ready, or nil if it is ready.
    func fault() async -> String? {
        do {
            return try await status(timeout: Self.patience).fault()
        } catch {
            return "\(error)"
        }
    }

    /// Returns what is missing from the read model, in one line, or nil if nothing is.
    func degradation() async -> String? { await projection().degraded?.summary }

    /// Returns the metrics of the process.
    func metrics() async -> [Metric] {
        // An unavailable event store must not fail the scrape: it is a metric itself.
        let head = try? await client.welcome(timeout: Self.patience).head
        var metrics: [Metric] = [
            .gauge(
                "daybook_event_store_up", "1 if the event store answers, otherwise 0.",
                head == nil ? 0 : 1),
            .gauge(
                "daybook_snapshots", "The number of stored aggregate snapshots.",
                each: await snapshots.count().map { [([], Double($0))] } ?? []),
        ]
        metrics += await projection().metrics(head: head)
        if let participant { metrics += await participant.status.metrics }
        return metrics
    }
}

extension ProjectionStatus {
    /// - Parameter head: the last position of the log, or nil if it is unknown.
    fileprivate func metrics(head: UInt64?) -> [Metric] {
        let lag = head.map { $0 - min(checkpoint, $0) }
        return [
            .gauge(
                "daybook_projection_position",
                "The position up to which the read model contains every event.",
                Double(checkpoint)),
            .gauge(
                "daybook_projection_lag_events",
                "How many events the read model lags behind the log.",
                each: lag.map { [([], Double($0))] } ?? []),
            .gauge(
                "daybook_projection_stopped_entities",
                "How many entities have stopped at an event that can't be read.",
                Double(degraded?.stoppedEntities ?? 0)),
            .gauge(
                "daybook_projection_unreadable_events",
                "How many events the projection can't read.",
                Double(degraded?.unreadableEvents ?? 0)),
        ]
    }
}

extension ParticipantStatus {
    fileprivate var metrics: [Metric] {
        [
            .gauge(
                "daybook_participant_running",
                "1 if the participant takes events, 0 if it waits for its queue or the store.",
                state == .running ? 1 : 0),
            .counter(
                "daybook_participant_handled_total",
                "The number of events handled by the participant.", UInt64(handled)),
            .counter(
                "daybook_participant_failed_total",
                "How often the participant failed to handle an event.", UInt64(failed)),
        ]
    }
}
