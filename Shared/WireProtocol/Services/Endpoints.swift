import Foundation

/// Where the suite's processes are, from the environment or below one folder.
public enum Endpoints {
    /// The folder of the suite's state: `DAYBOOK_HOME`, or `data` here.
    public static var home: String { environment("DAYBOOK_HOME") ?? "data" }

    /// Where `service` takes requests: `DAYBOOK_<SERVICE>_ENDPOINT`, or an ipc endpoint below
    /// `home`.
    public static func endpoint(of service: String, home: String) -> String {
        environment(variable(service)) ?? "ipc://\(home)/\(service).sock"
    }

    /// Where the process itself listens: `DAYBOOK_LISTEN`, or where the others look for it.
    public static func listening(of service: String, home: String) -> String {
        environment("DAYBOOK_LISTEN") ?? endpoint(of: service, home: home)
    }

    /// Where the event store takes requests.
    public static func eventStore(home: String) -> String {
        endpoint(of: "event-store", home: home)
    }

    /// The variable that names the endpoint: `creditLimit` has `DAYBOOK_CREDIT_LIMIT_ENDPOINT`.
    public static func variable(_ service: String) -> String {
        let words = service.reduce(into: "") { name, character in
            if character.isUppercase { name += "_" }
            name += character == "-" ? "_" : character.uppercased()
        }
        return "DAYBOOK_\(words)_ENDPOINT"
    }

    /// The variable's value, if it is set to something.
    public static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
