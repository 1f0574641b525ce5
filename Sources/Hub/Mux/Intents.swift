internal import Fabric

/// What an intent stands for: a backend by name, and a class of bandwidth (`mux.md`, section 4.1). Labels, not routes:
/// nothing is sent anywhere because of them.
struct Intent: Sendable {
    let name: String
    let backend: String
    let description: String
    let bandwidth: BandwidthClass

    /// The intents that have a name of their own, in the reference server's order.
    static let known: [Intent] = [
        Intent("chat", "ipoll", "Text messaging via I-Poll", 3, 50_000, 20_000, isPreemptible: false),
        Intent("mail", "mail", "Email delivery", 6, 500_000, 200_000),
        Intent("push", "ipoll", "Push notification", 3, 50_000, 20_000, isPreemptible: false),
        Intent("task", "ipoll", "Task assignment via I-Poll", 4, 100_000, 50_000),
        Intent("sync", "ipoll", "State synchronization via I-Poll", 4, 200_000, 100_000),
        Intent("call:voice", "voice", "Voice call via Voice Pipeline / SIP", 0, 128_000, 32_000, isPreemptible: false),
        Intent("call:video", "webrtc", "Video call via WebRTC", 1, 2_000_000, 500_000, isPreemptible: false),
        Intent("stream", "stream", "Generic data stream", 8, 0, 0),
        Intent("vpn:tunnel", "overlay", "VPN tunnel via tibet-overlay", 8, 0, 0),
        Intent("file:sync", "sync", "File synchronization", 7, 1_000_000, 500_000),
        Intent("session", "phantom", "Phantom session resume/fork", 5, 500_000, 200_000),
        Intent("tibet:ping", "tping", "Identity-based ping", 2, 10_000, 5_000, isPreemptible: false),
        Intent("tibet:token", "tibet", "TIBET token operations", 5, 50_000, 20_000),
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: known.map { ($0.name, $0) })

    private init(
        _ name: String, _ backend: String, _ description: String, _ priority: Int, _ rate: Int, _ burst: Int,
        isPreemptible: Bool = true
    ) {
        self.name = name
        self.backend = backend
        self.description = description
        bandwidth = BandwidthClass(priority: priority, rate: rate, burst: burst, isPreemptible: isPreemptible)
    }

    /// The intent of that name; else the known one that is left when parts are dropped from its end; else one of no
    /// special kind.
    init(_ text: String) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false)
        while !parts.isEmpty {
            if let known = Self.byName[parts.joined(separator: ":")] {
                self = known
                return
            }
            parts.removeLast()
        }
        self.init(text, "generic", "Custom intent: " + text, 5, 200_000, 100_000)
    }

    /// The `route` of the answers.
    var route: JSONValue { ["backend": .text(backend), "description": .text(description)] }
}

/// How much may be sent under an intent.
struct BandwidthClass: Sendable, Equatable {
    let priority: Int
    /// Characters per second; 0 for any number.
    let rate: Int
    /// The characters that may be sent at once.
    let burst: Int
    /// Whether a frame that is too much is refused, rather than counted.
    let isPreemptible: Bool

    /// The most that one frame may have; nil for no limit.
    var capacity: Int? { rate == 0 ? nil : burst == 0 ? rate : burst }
}
