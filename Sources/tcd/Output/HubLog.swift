internal import Fabric
internal import Logging

/// The hub's log on standard error: a line of text for each event, or a JSON object.
struct HubLog: LogHandler {
    let isJSON: Bool
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(isJSON: Bool, level: Logger.Level) {
        self.isJSON = isJSON
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        if isJSON {
            let line = JSONLine(
                [
                    ("time", .text(Timestamp.now().iso8601Microseconds)), ("level", .text("\(event.level)")),
                    ("message", .text("\(event.message)")),
                ] + all.map { ($0.key, .text("\($0.value)")) })
            Terminal.draw(DisplayText.json(line.text) + "\n")
        } else {
            let details = all.map { " \($0.key)=\($0.value)" }.joined()
            Terminal.note("hub: \(event.level): \(event.message)\(details)")
        }
    }
}
