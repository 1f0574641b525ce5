internal import Fabric
internal import Glibc
internal import Hub
internal import SystemPackage

/// Appends frames and pushes messages to a store until it is killed, and says which of them were acknowledged: what the
/// tests of the store kill.
///
///     HubStoreCrasher FILE|URL TARGET
@main
struct Crasher {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { exit(64) }
        let isURL = arguments[1].hasPrefix("postgresql:")
        let store = try await HubStore(isURL ? .postgres(arguments[1]) : .file(FilePath(arguments[1])))
        let target = arguments[2]
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask { try? await append(as: "crasher\(number)", to: target, in: store) }
                group.addTask { try? await push(as: "crasher\(number)", to: target, in: store) }
            }
        }
    }

    private static func append(as agent: String, to target: String, in store: HubStore) async throws {
        let channel = try await store.open(ChannelDraft(agent: agent, target: target, intent: "crash"))
        while true {
            let frame = try await store.append(FrameDraft(channel: channel.id, payload: "{\"from\": \"\(agent)\"}"))
            say("frame \(frame.channel) \(frame.sequence) \(frame.hash)")
        }
    }

    private static func push(as agent: String, to target: String, in store: HubStore) async throws {
        while true {
            let message = try await store.push(MessageDraft(from: agent, to: target, type: .push, content: agent))
            say("message \(message.id)")
        }
    }

    /// One write, so that lines of several tasks do not mix.
    private static func say(_ line: String) {
        var line = line + "\n"
        line.withUTF8 { bytes in _ = write(STDOUT_FILENO, bytes.baseAddress, bytes.count) }
    }
}
