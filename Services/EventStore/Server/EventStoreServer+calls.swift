import EventLog
import EventSourcing
import Foundation
import JSON
import Observability
import WireProtocol

extension EventStoreServer {
    func welcome(_ hello: [UInt8], _ caller: Caller) throws(ProtocolError) -> [UInt8] {
        try decode(Hello.self, hello).checkVersion()
        return try encode(
            Welcome(
                version: MessageHeader.version, server: "event-store", log: log.id,
                head: log.head, feed: caller.permissions.readsAll ? feedEndpoint : nil,
                bus: busEndpoint))
    }

    /// Returns the answer to a call of the given name with the given argument.
    func call(
        _ name: [UInt8], _ argument: [UInt8], _ caller: Caller
    ) throws(ProtocolError) -> [UInt8] {
        switch String(decoding: name, as: UTF8.self) {
        case StoreCall.event: return try event(argument, caller)
        case StoreCall.streams: return try streams(decode(StreamsRequest.self, argument), caller)
        case StoreCall.statistics: return try statistics()
        case let other:
            throw ProtocolError(
                .notFound,
                "the event store has no call '\(other)'; it has "
                    + StoreCall.all.joined(separator: ", "))
        }
    }

    /// Returns the record of the event with this id, or no bytes if the log lacks it.
    private func event(
        _ argument: [UInt8], _ caller: Caller
    ) throws(ProtocolError) -> [UInt8] {
        guard let id = EventID(String(decoding: argument, as: UTF8.self)) else {
            throw ProtocolError(.invalid, "the argument of event must be a UUID")
        }
        let event = try reading { () throws(LogError) in try log.committedEvent(id: id) }
        guard let event else { return [] }
        try caller.checkRead(event.category)
        return Array(event.bytes)
    }

    private func streams(
        _ request: StreamsRequest, _ caller: Caller
    ) throws(ProtocolError) -> [UInt8] {
        try caller.checkRead(request.category.map { .categories([$0]) } ?? .all)
        guard (1...StreamsRequest.maximumLimit).contains(request.limit) else {
            throw ProtocolError(
                .invalid,
                "the limit of a list of streams must be 1 to \(StreamsRequest.maximumLimit), "
                    + "not \(request.limit)")
        }
        let found = try reading { () throws(LogError) in
            try log.streams(
                of: request.category, after: request.after, limit: request.limit)
        }
        return try encode(
            found.map { stream in
                StreamEntry(
                    stream: stream.name, first: stream.first, createdAt: stream.createdAt,
                    last: stream.last, changedAt: stream.changedAt, revision: stream.revision)
            })
    }

    private func statistics() throws(ProtocolError) -> [UInt8] {
        let log = try reading { () throws(LogError) in try self.log.statistics() }
        return try encode(
            StoreStatistics(
                log: self.log.id, head: log.events, streams: log.streams,
                segments: log.segments, bytes: log.bytes, durability: durability.rawValue,
                uptimeSeconds: Int((ContinuousClock.now - startedAt).components.seconds),
                requests: counts.requests.values.reduce(0, +), appends: counts.appends,
                commits: counts.commits.count, commitSeconds: counts.commits.sum,
                eventsRead: counts.eventsRead, openReads: reads.count,
                subscriptions: topics.count))
    }

    private func reading<Result>(
        _ body: () throws(LogError) -> Result
    ) throws(ProtocolError) -> Result {
        do { return try body() } catch { throw ProtocolError(error) }
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8]
    ) throws(ProtocolError) -> Value {
        do {
            return try JSON.decode(type, from: bytes)
        } catch {
            throw ProtocolError(.invalid, "the argument is not a \(type) in JSON")
        }
    }

    func encode(_ value: some Encodable) throws(ProtocolError) -> [UInt8] {
        do {
            return try JSON.encode(value)
        } catch {
            throw ProtocolError(.internal, "\(error)")
        }
    }
}
