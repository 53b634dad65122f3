import EventSourcing
import EventStoreClient
import Foundation
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

/// A client of one process that can send any bytes as the argument of a call.
struct Caller {
    private let connection: RequestClient
    private let loop = SocketLoop(name: "caller")
    private static let documented: Set<ProtocolError.Code> = [
        .invalid, .notFound, .rejected, .idReused,
    ]

    init(_ endpoint: String, _ name: String) async throws {
        connection = try await RequestClient(
            endpoint: endpoint, to: name, on: loop, in: Context())
    }

    func close() async {
        await connection.close()
    }

    /// The calls that the process answers, from its error message for an unknown call.
    func names() async throws -> Set<String> {
        do {
            _ = try await connection.call("?", within: .seconds(30)) { _ in [] }
        } catch let error as ProtocolError {
            let list = error.message.components(separatedBy: "it has ").last ?? ""
            return Set(list.components(separatedBy: ", "))
        }
        return []
    }

    /// Sends every extreme value for every field of the call.
    ///
    /// - Parameter envelope: Whether to include the fields outside the command or the query.
    func exhaust(
        _ call: CallExample, _ store: EventStoreClient, envelope: Bool, waits: [String] = []
    ) async throws {
        let tree = try JSONTree(call.argument)
        let isCommand = tree.value(at: ["command"]) != nil
        let isQuery = tree.value(at: ["query"]) != nil
        var rejected: [EventID] = []
        for path in tree.paths {
            let isInside = path.first == "command" || path.first == "query"
            guard isInside || envelope || !(isCommand || isQuery),
                let leaf = tree.value(at: path[...])
            else { continue }
            let base = isQuery ? tree.removing(Self.unused(by: path)) : tree
            for value in Extreme.values(for: leaf) {
                if let name = path.last, waits.contains(name), let number = UInt64(value),
                    number > 0, number <= Int64.max
                {
                    continue
                }
                let conversation = EventID.random()
                var changed = base
                if isCommand {
                    changed =
                        changed.replacing(["id"], with: JSONTree.quoted("\(EventID.random())"))
                        .replacing(["correlationID"], with: JSONTree.quoted("\(conversation)"))
                }
                changed = changed.replacing(path[...], with: value)
                let place = "\(call.name) \(path.joined(separator: ".")) = \(value.prefix(60))"
                // A timeout may be shorter than any answer takes, and a deadline may have passed.
                let others: Set<ProtocolError.Code> =
                    path == ["timeout"] ? [.unavailable] : path == ["deadline"] ? [.expired] : []
                if try await !isAnswered(call.name, changed.text, place, or: others) {
                    rejected.append(conversation)
                }
            }
        }
        guard isCommand else { return }
        // A query has a limit, so this reads in parts.
        while !rejected.isEmpty {
            let some = Array(rejected.prefix(500))
            rejected.removeFirst(some.count)
            for try await event in store.read(ReadRequest(.correlations(some))).events {
                Issue.record("\(call.name) was rejected, but \(event.type) is in the log")
            }
        }
    }

    /// Returns the fields of a query to leave out, to see what the field at `path` does. Without
    /// `asOf` and `without`, the query is about the present, which has neither timeout nor id.
    private static func unused(by path: [String]) -> [String] {
        switch path {
        case ["asOf"]: ["without"]
        case ["without"]: ["asOf"]
        case ["timeout"], ["id"]: ["without"]
        default: ["asOf", "without"]
        }
    }

    /// Sends every verdict on deliveries that do not exist.
    func sendInvalidVerdicts() async throws {
        let acknowledgement = Acknowledgement(sequence: 1, lease: 1, .extended(.seconds(1)))
        let frame = try Acknowledgement.frame([acknowledgement], of: "q")
        // The fields are the count, sequence, lease, verdict, milliseconds and length of the error.
        for (offset, size) in [(2, 4), (6, 8), (14, 8), (22, 1), (23, 4), (27, 2)] {
            for byte: UInt8 in [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF] {
                for isWhole in [false, true] {
                    var bytes = frame
                    for index in 0..<size { bytes[offset + index] = isWhole ? byte : 0 }
                    bytes[offset] = byte
                    do {
                        let answer = try await connection.call(
                            BusCall.acknowledge, within: .seconds(20)
                        ) { _ in bytes }
                        #expect(answer.allSatisfy { $0 == 0 }, "acknowledged an unknown delivery")
                    } catch let error as ProtocolError {
                        #expect([.invalid, .malformed].contains(error.code), "\(error)")
                    }
                }
            }
        }
    }

    /// Returns false if the call is rejected, which is allowed.
    private func isAnswered(
        _ name: String, _ argument: String, _ place: String, or others: Set<ProtocolError.Code>
    ) async throws -> Bool {
        do {
            _ = try await connection.call(name, within: .seconds(20)) { _ in Array(argument.utf8) }
            return true
        } catch let error as ProtocolError {
            let codes = Self.documented.union(others)
            #expect(codes.contains(error.code), "\(place): \(error.code) \(error)")
            #expect(!error.message.isEmpty, "\(place) is rejected without a reason")
            return false
        } catch {
            Issue.record("\(place): \(error)")
            throw error
        }
    }
}
