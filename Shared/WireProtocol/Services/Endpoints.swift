public import EventSourcing
import Foundation

/// The endpoints of the suite's processes, from the environment or below one folder.
public enum Endpoints {
    /// The folder of the suite's state: `DAYBOOK_HOME`, or `data` in the working directory.
    public static var home: String { environment("DAYBOOK_HOME") ?? "data" }

    /// Returns the endpoint at which callers find a service: `DAYBOOK_<SERVICE>_ENDPOINT`, or an
    /// ipc endpoint below `home`.
    public static func endpoint(of service: String, home: String) -> String {
        environment(variable(service)) ?? "ipc://\(home)/\(service).sock"
    }

    /// Returns the endpoint that the process itself binds: `DAYBOOK_LISTEN`, or the endpoint at
    /// which callers find it.
    public static func listening(of service: String, home: String) -> String {
        environment("DAYBOOK_LISTEN") ?? endpoint(of: service, home: home)
    }

    /// Returns the endpoint at which clients find the event store.
    public static func eventStore(home: String) -> String {
        endpoint(of: "event-store", home: home)
    }

    /// The largest size of an ipc:// path, in bytes. Linux gives a socket's address 108 bytes, with
    /// a zero at the end.
    private static let pathBytes = 107

    /// Returns the endpoint, if other processes can reach it.
    ///
    /// - Throws: `usage` for a malformed endpoint, and for any that is not ipc:// or tcp://.
    public static func reachable(_ endpoint: String) throws(DaybookError) -> String {
        let place = endpoint.dropFirst("ipc://".count)
        let port = place.split(separator: ":", omittingEmptySubsequences: false).last
        let isWellFormed =
            switch endpoint.prefix("ipc://".count) {
            case "ipc://": !place.isEmpty
            case "tcp://":
                !place.hasPrefix(":") && port != place
                    && (port == "*" || port.flatMap { UInt16($0) } != nil)
            default: false
            }
        try require(
            isWellFormed, .usage,
            "an endpoint is ipc://PATH or tcp://HOST:PORT, not '\(endpoint)'")
        try require(
            endpoint.hasPrefix("tcp://") || place.utf8.count <= pathBytes, .usage,
            "the path of an endpoint has up to \(pathBytes) bytes, not \(place.utf8.count), in "
                + "'\(endpoint)'")
        return endpoint
    }

    /// Returns the environment variable for a service's endpoint, such as
    /// `DAYBOOK_CREDIT_LIMIT_ENDPOINT` for `creditLimit`.
    public static func variable(_ service: String) -> String {
        let words = service.reduce(into: "") { name, character in
            if character.isUppercase { name += "_" }
            name += character == "-" ? "_" : character.uppercased()
        }
        return "DAYBOOK_\(words)_ENDPOINT"
    }

    /// Returns the endpoints of all services, by name: those of the suite, and others that have a
    /// read model below `home` or an endpoint in the environment.
    public static func services(home: String) -> [String: String] {
        let files = FileManager.default
        let folders = (try? files.contentsOfDirectory(atPath: home)) ?? []
        let others = folders.filter { files.fileExists(atPath: "\(home)/\($0)/projection.sqlite") }
        let names = Set(
            SuiteService.all.map(\.name) + others + variables.keys.compactMap(service(of:)))
        return Dictionary(
            uniqueKeysWithValues: names.map { ($0, endpoint(of: $0, home: home)) })
    }

    /// Returns the service whose endpoint an environment variable holds, or nil.
    private static func service(of variable: String) -> String? {
        guard let match = variable.wholeMatch(of: #/DAYBOOK_([A-Z_]+)_ENDPOINT/#) else {
            return nil
        }
        let words = match.output.1.split(separator: "_").map { $0.capitalized }.joined()
        let name = words.prefix(1).lowercased() + words.dropFirst()
        return ["eventStore", "feed", "bus"].contains(name) ? nil : name
    }

    /// The variables of the process's environment. Foundation copies them each time.
    private static let variables = ProcessInfo.processInfo.environment

    /// Returns the value of an environment variable, or nil if it is unset or empty.
    public static func environment(_ name: String) -> String? {
        variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
