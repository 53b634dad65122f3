import EventSourcing
import EventStoreClient
import Foundation
import Observability
import WireProtocol

/// How a service's process is doing, put together when somebody asks.
struct ServiceReport: Sendable {
    /// Who watches over the process does not wait longer for the event store.
    private static let patience: Duration = .seconds(2)

    let service: String
    let log: EventID
    let client: EventStoreClient
    let snapshots: SnapshotStore
    let projection: (@Sendable () async -> ProjectionStatus)?
    let participant: (@Sendable () async -> ParticipantStatus)?
    let startedAt = Timestamp.now()

    func status(timeout: Duration = .seconds(30)) async throws -> ServiceStatus {
        // Asked before where the log ends: it is never ahead of that.
        let (projection, participant) = (await projection?(), await participant?())
        return ServiceStatus(
            service: service, processID: ProcessInfo.processInfo.processIdentifier,
            startedAt: startedAt, log: log, head: try await client.welcome(timeout: timeout).head,
            projection: projection, participant: participant)
    }

    /// What keeps the service from being ready; nil if nothing does.
    func fault() async -> String? {
        do {
            return try await status(timeout: Self.patience).fault()
        } catch {
            return "\(error)"
        }
    }

    func metrics() async -> [Metric] {
        // A store that does not answer is a figure, too.
        let head = try? await client.welcome(timeout: Self.patience).head
        var metrics: [Metric] = [
            .gauge(
                "daybook_event_store_up", "1 if the event store answers, else 0.",
                head == nil ? 0 : 1),
            .gauge(
                "daybook_snapshots", "Snapshots of aggregates that are kept.",
                each: await snapshots.count().map { [([], Double($0))] } ?? []),
        ]
        if let projection = await projection?() { metrics += projection.metrics(head: head) }
        if let participant = await participant?() { metrics += participant.metrics }
        return metrics
    }
}

extension ProjectionStatus {
    /// - Parameter head: of the log, if it is known.
    fileprivate func metrics(head: UInt64?) -> [Metric] {
        let lag = head.map { $0 - min(checkpoint, $0) }
        return [
            .gauge(
                "daybook_projection_position", "Every event up to here is in the projection.",
                Double(checkpoint)),
            .gauge(
                "daybook_projection_lag_events", "Events of the log behind that position.",
                each: lag.map { [([], Double($0))] } ?? []),
            .gauge(
                "daybook_projection_stopped",
                "1 if the projection has stopped at an event that it can't read.",
                stopped == nil ? 0 : 1),
        ]
    }
}

extension ParticipantStatus {
    fileprivate var metrics: [Metric] {
        [
            .gauge(
                "daybook_participant_running", "1 if the participant takes events, 0 if it waits.",
                state == .running ? 1 : 0),
            .counter(
                "daybook_participant_handled_total", "Events that the participant has handled.",
                UInt64(handled)),
            .counter(
                "daybook_participant_failed_total",
                "How often the participant could not handle an event.", UInt64(failed)),
        ]
    }
}
