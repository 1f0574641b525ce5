internal import Fabric
internal import FoundationEssentials

/// One line that a plug-in wrote (`docs/writing-a-carrier.md`, «The answers»). Keys that are not known are ignored.
struct PluginMessage: Sendable, Decodable {
    let type: String
    var protocols: [Int]?
    var version: String?
    var powers: [String]?
    var traits: Traits?
    var bytes: Int64?
    var strength: String?
    var storedName: String?
    var digest: String?
    var duplicate: Bool?
    var id: String?
    var name: String?
    var size: Int64?
    var path: String?
    var leaseSeconds: Int64?
    var finished: Bool?
    var kind: String?
    var action: String?
    var retryAfterMilliseconds: Int64?
    var limit: Int64?
    var explanation: String?
    var remedy: String?

    struct Traits: Sendable, Decodable {
        var strongestReceipt: String?
        var largestEnvelope: Int64?
        var inFlight: Int?
        var publishesAtomically: Bool?

        enum CodingKeys: String, CodingKey {
            case strongestReceipt = "strongest_receipt"
            case largestEnvelope = "largest_envelope"
            case inFlight = "in_flight"
            case publishesAtomically = "publishes_atomically"
        }
    }

    enum CodingKeys: String, CodingKey {
        case type, protocols, version, powers, traits, bytes, strength, digest, duplicate, id, name, size, path,
            finished
        case kind, action, limit, explanation, remedy
        case storedName = "stored_name"
        case leaseSeconds = "lease_seconds"
        case retryAfterMilliseconds = "retry_after_ms"
    }

    /// A message from its line; nil for anything that is none.
    init?(line: [UInt8]) {
        guard let message = try? JSONDecoder().decode(PluginMessage.self, from: Data(line)) else { return nil }
        self = message
    }

    /// How long to wait, from 0 to an hour, where it was told.
    var retryAfter: Duration? {
        retryAfterMilliseconds.map { .milliseconds(min(max(0, $0), 3_600_000)) }
    }
}

extension CarrierError {
    /// The error in an `error` line: kinds and actions under the names of the protocol. What is unknown is taken for a
    /// plug-in that does not keep to it.
    init(_ message: PluginMessage, from plugin: Plugin) {
        let text = String((message.explanation ?? "no reason given").prefix(1000))
        guard let kind = Self.kind(message), let action = Self.action(message) else {
            self = .misbehaved(plugin, "told an error of unknown kind or action: \(text)")
            return
        }
        self.init(kind, action, "\(plugin.name): \(text)", remedy: message.remedy.map { String($0.prefix(1000)) })
    }

    private static func kind(_ message: PluginMessage) -> Kind? {
        switch message.kind {
        case "unreachable": .unreachable
        case "refused": .refused
        case "host_key_changed": .hostKeyChanged
        case "too_large": .tooLarge(limit: message.limit)
        case "full": .full
        case "conflict": .conflict
        case "throttled": .throttled
        case "stalled": .stalled
        case "corrupted": .corrupted
        case "misconfigured": .misconfigured
        default: nil
        }
    }

    private static func action(_ message: PluginMessage) -> Remedy? {
        switch message.action {
        // A key that changed is never tried again, whatever the plug-in says.
        case "retry": message.kind == "host_key_changed" ? .waitForPerson : .retry(after: message.retryAfter)
        case "next_route": .tryNextRoute
        case "wait_for_person": .waitForPerson
        case "give_up": .giveUp
        default: nil
        }
    }

    /// The error for a plug-in that does not keep to the protocol.
    static func misbehaved(_ plugin: Plugin, _ what: String) -> CarrierError {
        CarrierError(
            .corrupted, .tryNextRoute, "the plug-in '\(plugin.path)' \(what)",
            remedy: "run 'tcd carrier test \(plugin.name)' to see what is wrong with it")
    }

    static func cancelled(_ plugin: Plugin) -> CarrierError {
        CarrierError(.cancelled, .retry(after: nil), "the work of the plug-in '\(plugin.name)' was cancelled")
    }
}
