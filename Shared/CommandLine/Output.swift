import Foundation
import JSON
import Observability
import ServiceRuntime
public import WireProtocol

/// What commands print.
public enum Output {
    public static func json(_ value: some Encodable) throws {
        print(try JSON.text(value))
    }

    /// Writes a line to standard error.
    public static func warn(_ text: String) {
        FileHandle.standardError.tell("\(text)\n")
    }

    /// A table for people: columns as wide as their widest cell.
    public static func table(_ heads: [String], _ rows: [[String]]) {
        for line in lines(heads, rows) { print(line) }
    }

    /// The lines of the table.
    public static func lines(_ heads: [String], _ rows: [[String]]) -> [String] {
        let widths = heads.indices.map { column in
            ([heads] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([heads] + rows).map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// One thing's fields, a line each.
    public static func fields(_ fields: [(String, String)]) {
        let width = fields.map(\.0.count).max() ?? 0
        for (name, value) in fields {
            print(name + String(repeating: " ", count: width + 2 - name.count) + value)
        }
    }

    /// A command's outcome: as JSON, or `said` for people.
    public static func reply(_ reply: CommandReply, json: Bool, _ said: String) throws {
        if json { return try self.json(reply) }
        switch reply.result {
        case .appended:
            print(
                "\(said) (\(reply.events.joined(separator: ", ")), position \(reply.position ?? 0))"
            )
        case .repeated: print("\(said) already (position \(reply.position ?? 0))")
        case .nothing: print("nothing to do")
        }
    }

    /// What would be, marked as such, and what speaks against it.
    static func show<State>(
        _ answer: Hypothetical<State>, _ print: (State) throws -> Void
    ) throws {
        let event = answer.without
        Swift.print(
            "HYPOTHETICAL: as if \(event.type) at position \(event.position) had not happened")
        if let state = answer.state { try print(state) }
        if let refusal = answer.refusal { Swift.print(refusal) }
        guard !answer.noLongerAllowed.isEmpty else {
            return Swift.print("every later event of \(event.stream) could have been decided on")
        }
        Swift.print("could not have been decided on then:")
        table(
            ["position", "event", "because"],
            answer.noLongerAllowed.map { ["\($0.event.position)", $0.event.type, $0.reason] })
    }
}
