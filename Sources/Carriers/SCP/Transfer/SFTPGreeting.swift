internal import CSSH2
internal import Fabric

/// What comes first from a far side that is asked for SFTP, over a channel of its own.
///
/// libssh2 1.10 waits for the version of a server that has ended already, and for that of a program that speaks something
/// else (sftp.c, `sftp_packet_read` and `sftp_packet_require`). This looks at the channel itself.
enum SFTPGreeting: Equatable {
    /// A version of SFTP.
    case version
    /// The far side refuses the subsystem, or has none.
    case refused
    /// The server program ended before it said anything.
    case ended
    /// Something that is not SFTP; its beginning.
    case other([UInt8])

    /// Enough for the lines that a login prints.
    private static let largest = 1024

    /// Asks for SFTP, and waits for the first packet, or for the end of the channel.
    ///
    /// - Throws: `stalled` when neither comes.
    static func read(on connection: SSHConnection) throws(SSHFailure) -> SFTPGreeting {
        let session = connection.session
        let channel: OpaquePointer
        do throws(SSHFailure) {
            channel = try connection.open("starting SFTP") {
                libssh2_channel_open_ex(session, "session", 7, 2 << 20, 32768, nil, 0)
            }
            try connection.call("starting SFTP") { libssh2_channel_process_startup(channel, "subsystem", 9, "sftp", 4) }
        } catch {
            guard case .code = error, !error.isLostConnection else { throw error }
            return .refused
        }
        try connection.call("starting SFTP") { libssh2_channel_handle_extended_data2(channel, 1) }
        let greeting = try exchange(on: connection, channel)
        // A program that does not end with its channel is left to itself.
        do throws(SSHFailure) {
            try connection.call("starting SFTP", within: .seconds(1)) { libssh2_channel_free(channel) }
        } catch {
            if case .cancelled = error { throw error }
            if error.isLostTransport { throw error }
        }
        return greeting
    }

    private static func exchange(
        on connection: SSHConnection, _ channel: OpaquePointer
    ) throws(SSHFailure) -> SFTPGreeting {
        // The length, the type (SSH_FXP_INIT) and the version.
        let question: [CChar] = [0, 0, 0, 5, 1, 0, 0, 0, 3]
        do throws(SSHFailure) {
            try connection.call("starting SFTP") { libssh2_channel_write_ex(channel, 0, question, question.count) }
        } catch {
            // A channel that is closed takes nothing more; what it said before can be read all the same.
            guard case .code = error, !error.isLostTransport else { throw error }
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: largest)
        while true {
            if let greeting = judge(bytes) { return greeting }
            let count = try connection.call("starting SFTP") {
                let count = buffer.withUnsafeMutableBytes { raw in
                    libssh2_channel_read_ex(channel, 0, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
                }
                return count == Int(LIBSSH2_ERROR_CHANNEL_CLOSED) ? 0 : count
            }
            if count == 0 { return bytes.isEmpty ? .ended : .other(bytes) }
            bytes += buffer[..<count]
        }
    }

    /// What `bytes` are; nil when that cannot be said yet.
    static func judge(_ bytes: [UInt8]) -> SFTPGreeting? {
        let type: UInt8 = 2
        // The packet has at most some kilobytes, so the first byte of its length is zero, and no text has one there.
        if let first = bytes.first, first != 0 { return .other(bytes) }
        guard bytes.count >= 5 else { return nil }
        return bytes[1] == 0 && bytes[4] == type ? .version : .other(bytes)
    }
}
