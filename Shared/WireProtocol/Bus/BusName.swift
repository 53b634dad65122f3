import EventSourcing

/// The syntax that names of rules, queues, archives and replays share.
enum BusName {
    /// Returns why `name` is not a name of a `thing`, or nil if it is one.
    static func fault(_ name: String, of thing: String) -> String? {
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
            let article = thing.hasPrefix("a") ? "an" : "a"
            return "the name of \(article) \(thing) is 1 to 64 letters, digits and . - _, not "
                + "'\(name)'"
        }
        return nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
